// The desk right now, as every page sees it: the daemon's status, kept fresh by its events, and the events themselves for who
// wants to hear them.

import { api } from '../api/client'
import type { Brief, Event, Status } from '../api/types'
import { listen } from './stream'

/** A burst of events asks once. */
const SETTLE = 150
/** Something may change without an event; the picture is never older than this. */
const OLDEST = 20_000

class Desk {
  status = $state.raw<Status | undefined>(undefined)
  connected = $state(false)
  /** Calls that last, by ticket, with what the events said of them. */
  calls = $state.raw<Map<string, Brief>>(new Map())
  /** Counts events; a list that shows tickets asks again when it changes. */
  beat = $state(0)
  #stop: AbortController | undefined
  #asked: ReturnType<typeof setTimeout> | undefined
  #ears = new Set<(event: Event) => void>()

  /** From sign-in to sign-out. */
  open() {
    this.#stop?.abort()
    const stop = new AbortController()
    this.#stop = stop
    void listen(
      stop.signal,
      (heard) => this.#hear(heard.kind, heard.data),
      (connected) => {
        this.connected = connected
        if (connected) void this.refresh()
      },
    )
    const timer = setInterval(() => void this.refresh(), OLDEST)
    stop.signal.addEventListener('abort', () => clearInterval(timer))
  }

  close() {
    this.#stop?.abort()
    this.status = undefined
    this.calls = new Map()
  }

  /** Hears every event until the answer is called. */
  on(ear: (event: Event) => void): () => void {
    this.#ears.add(ear)
    return () => this.#ears.delete(ear)
  }

  async refresh() {
    try {
      const status = await api.get<Status>('/status')
      this.status = status
      const lasting = new Map(this.calls)
      const there = new Set(status.calls.map((call) => call.ticket))
      for (const id of lasting.keys()) if (!there.has(id)) lasting.delete(id)
      this.calls = lasting
    } catch {
      // The next one will tell; `connected` shows that nothing is fresh meanwhile.
    }
  }

  #hear(kind: string, data: string) {
    clearTimeout(this.#asked)
    this.#asked = setTimeout(() => void this.refresh(), SETTLE)
    this.beat += 1
    if (kind === 'gap') return
    const event = JSON.parse(data) as Event
    if (event.ticket) {
      const calls = new Map(this.calls)
      if (event.ticket.ended) calls.delete(event.ticket.id)
      else calls.set(event.ticket.id, event.ticket)
      this.calls = calls
    }
    for (const ear of this.#ears) ear(event)
  }
}

export const desk = new Desk()
