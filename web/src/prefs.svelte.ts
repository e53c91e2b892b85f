// What a person has chosen on this browser: light or dark. The language is paraglide's to keep.

const KEY = 'hotlined.theme'

export type Theme = 'system' | 'light' | 'dark'

class Prefs {
  theme = $state<Theme>(read())

  constructor() {
    this.#show()
  }

  choose(theme: Theme) {
    this.theme = theme
    localStorage.setItem(KEY, theme)
    this.#show()
  }

  #show() {
    if (this.theme === 'system') delete document.documentElement.dataset.theme
    else document.documentElement.dataset.theme = this.theme
  }
}

function read(): Theme {
  const kept = localStorage.getItem(KEY)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

export const prefs = new Prefs()
