// The daemon's API as the console speaks it. Every refusal is a `Refused` whose words a person can act on (RFC 9457).

const BASE = '/api/v1'

/** What the API said no to. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    /** `not-found`, `code-needed`: one name for each kind of problem. */
    readonly kind: string,
    readonly detail: string,
  ) {
    super(detail || kind)
  }
}

/** Told when the session is over, so that the sign-in can lie over the page and no draft is lost. */
let onsignedout: () => void = () => undefined

export function whenSignedOut(act: () => void) {
  onsignedout = act
}

type Query = Record<string, string | number | boolean | null | undefined>

export function address(path: string, query: Query = {}): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '' && value !== false) params.set(key, String(value))
  }
  const text = params.toString()
  return `${BASE}${path}${text ? `?${text}` : ''}`
}

async function ask<T>(method: string, url: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (body !== undefined) headers['content-type'] = 'application/json'
  const init: RequestInit = { method, headers, credentials: 'same-origin' }
  if (body !== undefined) init.body = JSON.stringify(body)
  let response: Response
  try {
    response = await fetch(url, init)
  } catch {
    throw new Refused(0, 'unreachable', '')
  }
  if (!response.ok) throw await refusal(response)
  if (response.status === 204) return undefined as T
  return (await response.json()) as T
}

async function refusal(response: Response): Promise<Refused> {
  const problem: unknown = await response.json().catch(() => undefined)
  const text = (key: string) => {
    const value = problem && typeof problem === 'object' ? (problem as Record<string, unknown>)[key] : undefined
    return typeof value === 'string' ? value : ''
  }
  if (response.status === 401 && !response.url.endsWith('/session')) onsignedout()
  return new Refused(response.status, text('type').replace('urn:hotlined:', '') || response.statusText, text('detail'))
}

export const api = {
  get: <T>(path: string, query?: Query) => ask<T>('GET', address(path, query)),
  post: <T>(path: string, body: unknown = {}) => ask<T>('POST', address(path), body),
  put: <T>(path: string, body: unknown) => ask<T>('PUT', address(path), body),
  patch: <T>(path: string, body: unknown) => ask<T>('PATCH', address(path), body),
  delete: <T>(path: string, body?: unknown) => ask<T>('DELETE', address(path), body),
  /** Bytes, such as a peaks file; `undefined` where there are none. */
  async bytes(path: string): Promise<ArrayBuffer | undefined> {
    const response = await fetch(address(path), { credentials: 'same-origin' })
    if (response.status === 404) return undefined
    if (!response.ok) throw await refusal(response)
    return await response.arrayBuffer()
  },
}
