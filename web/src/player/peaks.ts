// The peaks file beside a recording: audiowaveform's binary format, version 2 (docs/recordings.md of the daemon). It is small
// enough that an hour opens at once: 20 pairs of lowest and highest sample a second and channel.

export type Peaks = {
  /** Lowest and highest in turn, from −1 to 1; left (the caller), then right. */
  lanes: [Float32Array, Float32Array]
  /** Pairs a second. */
  perSecond: number
  seconds: number
}

/** Reads a peaks file. `undefined` where it is not one. */
export function readPeaks(file: ArrayBuffer): Peaks | undefined {
  if (file.byteLength < 24) return undefined
  const view = new DataView(file)
  const [version, flags, rate, perPixel, length, channels] = [0, 4, 8, 12, 16, 20].map((at) => view.getInt32(at, true)) as [
    number, number, number, number, number, number,
  ]
  const width = flags & 1 ? 1 : 2
  if (version !== 2 || channels !== 2 || rate <= 0 || perPixel <= 0) return undefined
  const pairs = Math.min(length >>> 0, Math.floor((file.byteLength - 24) / (4 * width)))
  const lanes: [Float32Array, Float32Array] = [new Float32Array(2 * pairs), new Float32Array(2 * pairs)]
  const scale = width === 1 ? 128 : 32768
  for (let pair = 0; pair < pairs; pair += 1) {
    for (const [channel, lane] of lanes.entries()) {
      const at = 24 + (4 * pair + 2 * channel) * width
      lane[2 * pair] = (width === 1 ? view.getInt8(at) : view.getInt16(at, true)) / scale
      lane[2 * pair + 1] = (width === 1 ? view.getInt8(at + 1) : view.getInt16(at + 2, true)) / scale
    }
  }
  return { lanes, perSecond: rate / perPixel, seconds: (pairs * perPixel) / rate }
}

export type Span = { from: number; to: number }

/** Stretches of at least `least` seconds in which neither side is louder than `floor` (of full scale). */
export function silences(peaks: Peaks, least: number, floor = 0.02): Span[] {
  const found: Span[] = []
  const [left, right] = peaks.lanes
  let from: number | undefined
  const pairs = left.length / 2
  for (let pair = 0; pair <= pairs; pair += 1) {
    const loud = (lane: Float32Array) => Math.max(-(lane[2 * pair] ?? 0), lane[2 * pair + 1] ?? 0) > floor
    const still = pair < pairs && !loud(left) && !loud(right)
    if (still) from ??= pair
    else if (from !== undefined) {
      const span = { from: from / peaks.perSecond, to: pair / peaks.perSecond }
      if (span.to - span.from >= least) found.push(span)
      from = undefined
    }
  }
  return found
}
