// The browser's clock as a value that pages can depend on, once a second.

class Clock {
  now = $state(Date.now())

  constructor() {
    setInterval(() => (this.now = Date.now()), 1000)
  }
}

export const wall = new Clock()
