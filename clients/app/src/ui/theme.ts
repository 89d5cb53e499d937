/// Light or dark: as the machine says, unless the viewer chose.
import { Store } from '../data/store'

export type Theme = 'system' | 'light' | 'dark'

const KEY = 'pantherahive.theme'

function stored(): Theme {
  const value = localStorage.getItem(KEY)
  return value === 'light' || value === 'dark' ? value : 'system'
}

export const theme = new Store<Theme>(stored())

export function applyTheme(): void {
  const chosen = theme.get()
  if (chosen === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
}

export function chooseTheme(chosen: Theme): void {
  if (chosen === 'system') localStorage.removeItem(KEY)
  else localStorage.setItem(KEY, chosen)
  theme.set(chosen)
  applyTheme()
}
