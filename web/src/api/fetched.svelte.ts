// Something asked of the API, with its three faces: on its way, there, or refused. It asks again when what it depends on
// changes; an answer that comes after a newer question is dropped.

import { Refused } from './client'

export class Fetched<T> {
  value = $state.raw<T | undefined>(undefined)
  refused = $state<Refused | undefined>(undefined)
  loading = $state(true)
  #question = 0

  constructor(private readonly ask: () => Promise<T>) {
    $effect(() => {
      void this.again()
    })
  }

  /** Asks again, keeping what is shown until the answer is there. */
  async again() {
    const question = ++this.#question
    this.loading = true
    try {
      const value = await this.ask()
      if (question !== this.#question) return
      this.value = value
      this.refused = undefined
    } catch (error) {
      if (question !== this.#question) return
      this.refused = error instanceof Refused ? error : new Refused(0, String(error), '')
    }
    this.loading = false
  }
}
