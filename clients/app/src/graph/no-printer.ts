/// Stands in for `graphql` in the build: the client prints documents that were parsed, and here all of them are text.
export function print(): never {
  throw new TypeError('Documents are text here.')
}
