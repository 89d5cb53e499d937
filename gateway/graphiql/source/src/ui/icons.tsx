/// The icons: strokes of one weight, hidden from screen readers because the buttons around them have names.
import type { ComponentChildren } from 'preact'

function Icon({ children }: { children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  )
}

export const DocsIcon = () => (
  <Icon>
    <path d="M4 5.5C4 4.7 4.7 4 5.5 4H11v15H5.5C4.7 19 4 19.7 4 20.5zM20 5.5c0-.8-.7-1.5-1.5-1.5H13v15h5.5c.8 0 1.5.7 1.5 1.5z" />
  </Icon>
)
export const HistoryIcon = () => (
  <Icon>
    <path d="M4 12a8 8 0 1 0 2.6-5.9L4 8.5M4 4v4.5h4.5M12 8v4.5l3 1.8" />
  </Icon>
)
export const BuilderIcon = () => (
  <Icon>
    <path d="M4 6.5 5.5 8 8.5 5M4 13.5 5.5 15l3-3M12 6.5h8M12 13.5h8M12 19.5h8M5 19.5h2" />
  </Icon>
)
export const ReloadIcon = () => (
  <Icon>
    <path d="M20 12a8 8 0 1 1-2.6-5.9L20 8.5M20 4v4.5h-4.5" />
  </Icon>
)
export const KeyboardIcon = () => (
  <Icon>
    <path d="M3.5 6h17v12h-17zM7 10h.01M11 10h.01M15 10h.01M17.5 10h.01M7 14h10" />
  </Icon>
)
export const SettingsIcon = () => (
  <Icon>
    <path d="M4 7h9M17 7h3M4 17h3M11 17h9" />
    <circle cx="15" cy="7" r="2" />
    <circle cx="9" cy="17" r="2" />
  </Icon>
)
export const PrettifyIcon = () => (
  <Icon>
    <path d="M5 19 15 9M13.5 7.5l3 3M18 3v4M16 5h4M6 4v4M4 6h4M19 14v4M17 16h4" />
  </Icon>
)
export const MergeIcon = () => (
  <Icon>
    <path d="M6 4v5c0 3 6 3 6 6v5M18 4v5c0 3-6 3-6 6M9 17l3 3 3-3" />
  </Icon>
)
export const CopyIcon = () => (
  <Icon>
    <path d="M9 9h11v11H9zM15 9V4H4v11h5" />
  </Icon>
)
export const CloseIcon = () => (
  <Icon>
    <path d="m6 6 12 12M18 6 6 18" />
  </Icon>
)
export const AddIcon = () => (
  <Icon>
    <path d="M12 5v14M5 12h14" />
  </Icon>
)
export const StarIcon = () => (
  <Icon>
    <path d="m12 4 2.4 5 5.6.7-4.1 3.8 1.1 5.5-5-2.7L7 19l1.1-5.5L4 9.7 9.6 9z" />
  </Icon>
)
export const PlayIcon = () => (
  <svg class="icon icon-solid" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d="M8 5v14l11-7z" />
  </svg>
)
export const StopIcon = () => (
  <svg class="icon icon-solid" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path d="M6.5 6.5h11v11h-11z" />
  </svg>
)
