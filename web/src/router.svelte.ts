// Where the person is: the address, and the page that it names. The address is the only state that a page keeps across a
// reload, so filters and times live in its query.

import type { Component } from 'svelte'
import { routes, type Route } from './routes'

export type Params = Record<string, string>

class Place {
  path = $state(location.pathname)
  query = $state(new URLSearchParams(location.search))

  constructor() {
    addEventListener('popstate', () => this.#read())
  }

  #read() {
    this.path = location.pathname
    this.query = new URLSearchParams(location.search)
  }

  /** Goes to another address, as a link does. */
  go(href: string) {
    history.pushState(null, '', href)
    this.#read()
    scrollTo(0, 0)
  }

  /** Changes the query alone; an empty value takes its key away. The step back stays where it was. */
  set(changes: Record<string, string | null | undefined>) {
    const query = new URLSearchParams(this.query)
    for (const [key, value] of Object.entries(changes)) {
      if (value) query.set(key, value)
      else query.delete(key)
    }
    const text = query.toString()
    history.replaceState(null, '', text ? `${this.path}?${text}` : this.path)
    this.query = query
  }
}

export const place = new Place()

/** The route of a path, and what its `:parts` are. */
export function match(path: string): { route: Route; params: Params } | undefined {
  for (const route of routes) {
    const params = fit(route.path, path)
    if (params) return { route, params }
  }
  return undefined
}

function fit(pattern: string, path: string): Params | undefined {
  const wanted = pattern.split('/')
  const parts = path.replace(/\/+$/, '').split('/')
  if (wanted.length !== parts.length && !(pattern === '/' && parts.length <= 1)) return undefined
  const params: Params = {}
  for (const [index, want] of wanted.entries()) {
    const part = parts[index] ?? ''
    if (want.startsWith(':')) params[want.slice(1)] = decodeURIComponent(part)
    else if (want !== part) return undefined
  }
  return params
}

/** On a container: links to pages of ours do not load the document again. */
export function links(node: HTMLElement) {
  const click = (event: MouseEvent) => {
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (!link || !plain || event.defaultPrevented || link.target || link.hasAttribute('download')) return
    const url = new URL(link.href)
    if (url.origin !== location.origin || url.pathname.startsWith('/api/') || !match(url.pathname)) return
    event.preventDefault()
    place.go(url.pathname + url.search + url.hash)
  }
  node.addEventListener('click', click)
  return { destroy: () => node.removeEventListener('click', click) }
}

export type Page = Component<Params>
