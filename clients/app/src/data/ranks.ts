/// Ranks for what is shown until the server has answered with the real ones.

/** A string between two ranks, as strings compare; null stands for no neighbour. */
export function rankBetween(before: string | null, after: string | null): string {
  if (before === null) return after === null ? 'n' : `${String.fromCharCode(after.charCodeAt(0) - 1)}~`
  if (after === null || !after.startsWith(before)) return `${before}~`
  return `${before}${String.fromCharCode(after.charCodeAt(before.length) - 1)}~`
}
