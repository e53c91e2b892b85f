// Server-sent events over fetch: unlike EventSource it tells every kind of event without a list of them, and says why it ended.
// It comes back by itself, after the last event that it heard, and never gives up.

import { address } from '../api/client'

export type Heard = { id: string; kind: string; data: string }

const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 15_000

/** Listens until `signal` aborts. `onstate` says whether it is connected. */
export async function listen(
  signal: AbortSignal,
  onheard: (heard: Heard) => void,
  onstate: (connected: boolean) => void,
): Promise<void> {
  let last = ''
  let pause = FIRST_PAUSE
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = { accept: 'text/event-stream' }
      if (last) headers['last-event-id'] = last
      const response = await fetch(address('/events'), { headers, signal, credentials: 'same-origin' })
      if (response.status === 401 || response.status === 403) return onstate(false)
      if (response.ok && response.body) {
        onstate(true)
        pause = FIRST_PAUSE
        for await (const heard of events(response.body)) {
          if (heard.id) last = heard.id
          onheard(heard)
        }
      }
    } catch {
      // The line is gone; the pause below is the answer.
    }
    onstate(false)
    await new Promise((done) => setTimeout(done, pause))
    pause = Math.min(2 * pause, LONGEST_PAUSE)
  }
}

async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<Heard> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    rest += value
    const blocks = rest.split(/\r?\n\r?\n/)
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const heard = read(block)
      if (heard) yield heard
    }
  }
}

function read(block: string): Heard | undefined {
  const heard: Heard = { id: '', kind: 'message', data: '' }
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? []
    if (field === 'id') heard.id = value ?? ''
    else if (field === 'event') heard.kind = value ?? ''
    else if (field === 'data') heard.data += (heard.data ? '\n' : '') + (value ?? '')
  }
  return heard.data ? heard : undefined
}
