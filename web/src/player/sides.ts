// One audio element, two sides: left the caller, right the desk. Each side has its own gain, so that one can be muted or heard
// alone while the element plays on.

export type Side = 'caller' | 'operator'

export class Sides {
  readonly #context: AudioContext
  readonly #gains: Record<Side, GainNode>

  constructor(element: HTMLMediaElement) {
    this.#context = new AudioContext()
    const source = this.#context.createMediaElementSource(element)
    const split = this.#context.createChannelSplitter(2)
    const merge = this.#context.createChannelMerger(2)
    this.#gains = { caller: this.#context.createGain(), operator: this.#context.createGain() }
    source.connect(split)
    split.connect(this.#gains.caller, 0)
    split.connect(this.#gains.operator, 1)
    this.#gains.caller.connect(merge, 0, 0)
    this.#gains.operator.connect(merge, 0, 1)
    merge.connect(this.#context.destination)
  }

  /** A browser keeps a page silent until somebody has pressed something. */
  async wake() {
    if (this.#context.state === 'suspended') await this.#context.resume()
  }

  hear(side: Side, on: boolean) {
    this.#gains[side].gain.setTargetAtTime(on ? 1 : 0, this.#context.currentTime, 0.005)
  }

  async close() {
    await this.#context.close()
  }
}
