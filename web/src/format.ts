// How times, spans and numbers are written. The desk's clock counts: times come from the API with the desk's own offset and
// are shown as they stand there, wherever the browser is.

import { getLocale } from './paraglide/runtime'

/** `14:05` of `2026-11-24T14:05:09.120+08:00`. */
export const clock = (at: string) => at.slice(11, 16)

/** `14:05:09`. */
export const clockSeconds = (at: string) => at.slice(11, 19)

/** `2026-11-24`. */
export const day = (at: string) => at.slice(0, 10)

/** `11-24 14:05`. */
export const dayAndClock = (at: string) => `${at.slice(5, 10)} ${at.slice(11, 16)}`

/** `3:07`, or `1:02:07` from an hour on. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  const two = (n: number) => String(n).padStart(2, '0')
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

/** `5 minutes ago`, `3 天前`; the largest unit that fits. */
export function ago(at: string, now: number): string {
  const seconds = (Date.parse(at) - now) / 1000
  const [unit, length] = steps.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
  return new Intl.RelativeTimeFormat(getLocale(), { numeric: 'auto' }).format(Math.round(seconds / length), unit)
}

/** A telephone number in groups that can be read aloud: `138 0000 0000`, `010 8888 8888`, `400 123 4567`. What does not
    look Chinese stays as it is. */
export function phone(number: string): string {
  const home = number.replace(/^(\+|00)86/, '')
  const groups =
    /^(1\d\d)(\d{4})(\d{4})$/.exec(home) ??
    /^([48]00)(\d{3})(\d{4})$/.exec(home) ??
    /^(0[12]\d)(\d{4})(\d{4})$/.exec(home) ??
    /^(0[3-9]\d\d)(\d{3,4})(\d{4})$/.exec(home)
  return groups ? groups.slice(1).join(' ') : number
}

/** Bytes as a person reads them: `4.2 MB`. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let rest = count
  let unit = 0
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000
    unit += 1
  }
  return `${rest.toFixed(rest < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`
}

/** `92 %`; a dash where there is nothing to count. */
export const share = (part: number, whole: number) => (whole > 0 ? `${Math.round((100 * part) / whole)} %` : '–')
