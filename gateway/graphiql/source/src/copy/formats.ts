/// What an operation can be copied as.

export const FORMATS = [
  { id: 'curl', label: 'curl' },
  { id: 'fetch', label: 'fetch' },
  { id: 'apollo', label: 'Apollo Client' },
  { id: 'urql', label: 'urql' },
] as const

export type Format = (typeof FORMATS)[number]['id']
