// Who sits here, and what they may do. When the session ends, the page stays as it is under a sign-in, so that no draft is lost.

import { api, Refused, whenSignedOut } from './api/client'
import type { Me } from './api/types'

export type Right = 'look' | 'work' | 'listen' | 'figures' | 'oversee' | 'administer'

class Session {
  me = $state<Me | undefined>(undefined)
  /** Nobody knows yet whether somebody is signed in. */
  asking = $state(true)
  /** The daemon did not answer at the start. */
  unreachable = $state(false)
  /** Signed in once, and then the session ended. */
  ended = $state(false)

  constructor() {
    whenSignedOut(() => {
      if (this.me) this.ended = true
    })
  }

  async look() {
    this.asking = true
    try {
      this.me = await api.get<Me>('/me')
      this.unreachable = false
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      this.unreachable = error.status !== 401
      this.me = undefined
    }
    this.asking = false
  }

  async signIn(name: string, password: string, code: string) {
    this.me = await api.post<Me>('/session', { name, password, ...(code ? { code } : {}) })
    this.ended = false
  }

  async signOut() {
    await api.delete('/session')
    this.me = undefined
    this.ended = false
  }

  may(right: Right): boolean {
    return this.me?.rights.includes(right) ?? false
  }
}

export const session = new Session()
