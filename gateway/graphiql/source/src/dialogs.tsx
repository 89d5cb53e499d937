/// The settings of the page, and its keyboard shortcuts.
import type { App } from './app'
import type { Theme } from './preferences'
import { forgetEverything } from './storage'
import { useStore } from './store'
import { Dialog } from './ui/dialog'

const THEMES: readonly { theme: Theme; label: string }[] = [
  { theme: 'system', label: 'Same as the system' },
  { theme: 'light', label: 'Light' },
  { theme: 'dark', label: 'Dark' },
]

export function SettingsDialog({ app, onClose }: { app: App; onClose: () => void }) {
  const { theme, keepHeaders } = useStore(app.preferences)
  return (
    <Dialog title="Settings" onClose={onClose}>
      <fieldset>
        <legend>Theme</legend>
        {THEMES.map(({ theme: each, label }) => (
          <label key={each} class="choice">
            <input
              type="radio"
              name="theme"
              checked={theme === each}
              onChange={() => app.preferences.change({ theme: each })}
            />
            {label}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Headers</legend>
        <label class="choice">
          <input
            type="checkbox"
            checked={keepHeaders}
            onChange={() => {
              app.preferences.change({ keepHeaders: !keepHeaders })
              app.tabs.save()
            }}
          />
          Keep headers in this browser. They may hold tokens.
        </label>
      </fieldset>
      <fieldset>
        <legend>Stored data</legend>
        <p>Tabs, history and settings are stored in this browser only.</p>
        <button
          type="button"
          class="secondary"
          onClick={() => {
            app.clear()
            forgetEverything()
            location.reload()
          }}
        >
          Remove all and reload
        </button>
      </fieldset>
    </Dialog>
  )
}

const SHORTCUTS: readonly [keys: string, what: string][] = [
  ['Ctrl-Enter', 'Run the operation, or stop it'],
  ['Ctrl-Space', 'Suggest names'],
  ['Shift-Ctrl-P', 'Prettify the operation'],
  ['Shift-Ctrl-M', 'Merge fragments into the operation'],
  ['Ctrl-F', 'Search in the editor'],
  ['Ctrl-click', 'Show a field or type in the documentation'],
  ['Ctrl-/', 'Comment or uncomment lines'],
  ['Ctrl-Z', 'Undo'],
]

export function ShortcutsDialog({ onClose }: { onClose: () => void }) {
  const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent)
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <table class="shortcuts">
        <thead>
          <tr>
            <th scope="col">Keys</th>
            <th scope="col">What they do</th>
          </tr>
        </thead>
        <tbody>
          {SHORTCUTS.map(([keys, what]) => (
            <tr key={keys}>
              <td>
                <kbd>{isMac ? onMac(keys) : keys}</kbd>
              </td>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  )
}

/** Where Ctrl-Space belongs to the system. */
function onMac(keys: string): string {
  return keys === 'Ctrl-Space' ? '⌘-I' : keys.replace('Ctrl', '⌘')
}
