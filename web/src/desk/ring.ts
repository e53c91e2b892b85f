// The ring that a call is in, counted as the daemon does: from the first ring on, one cycle a ring.

import type { Rings } from '../api/types'

export type Ring = { number: number; overdue: boolean }

/** `undefined` before the first ring, and where the desk's cadence is not known. */
export function ring(firstRing: string | null | undefined, rings: Rings | undefined, now: number): Ring | undefined {
  if (!firstRing || !rings) return undefined
  const seconds = Math.max(0, (now - Date.parse(firstRing)) / 1000)
  const number = Math.floor(seconds / rings.cycle_seconds) + 1
  return { number, overdue: number > rings.flag_after }
}
