/// People as a circle with their initials.

const HUES = 8

/** The same colour for a person everywhere. */
export function hueOf(id: string): number {
  let sum = 0
  for (const character of id) sum = (sum * 31 + character.charCodeAt(0)) >>> 0
  return sum % HUES
}

export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean)
  const picked = words.length > 1 ? [words[0], words.at(-1)] : words
  return picked
    .map((word) => [...(word ?? '')][0] ?? '')
    .join('')
    .toUpperCase()
}

interface AvatarProps {
  id: string
  name: string
  size?: 'small' | 'large'
  /** The name stands beside it. */
  isDecoration?: boolean
}

export function Avatar({ id, name, size = 'small', isDecoration = false }: AvatarProps) {
  const said = isDecoration ? { 'aria-hidden': true } : { role: 'img', 'aria-label': name, title: name }
  return (
    <span className={`avatar avatar-${size} hue-${hueOf(id)}`} {...said}>
      <span aria-hidden="true">{initials(name)}</span>
    </span>
  )
}
