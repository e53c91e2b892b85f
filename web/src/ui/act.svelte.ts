// Something a person asks for: one at a time, with its refusal in words beside the button.

import { Refused } from '../api/client'
import { m } from '../paraglide/messages'

export class Act {
  busy = $state(false)
  words = $state('')

  /** Does it, and says whether it worked. */
  async do(what: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false
    this.busy = true
    this.words = ''
    try {
      await what()
      return true
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      this.words = error.status === 0 ? m.fault_unreachable() : error.message
      return false
    } finally {
      this.busy = false
    }
  }
}
