/// The difference between two states of a text: what was added and removed, with a little of what stands around it.
import type { ResultOf } from '../graph/graph'
import type { VersionDiff } from '../graph/operations'

export type Diff = NonNullable<ResultOf<typeof VersionDiff>['document']>['diff']

/** Of an unchanged piece, how much is shown on the side of a change, in characters. */
const CONTEXT = 160

export function DiffView({ diff }: { diff: Diff }) {
  const { hunks, added, removed } = diff
  if (added === 0 && removed === 0) return <p className="faint">The text is the same.</p>
  return (
    <div className="diff" tabIndex={0} role="group" aria-label="Changes">
      {hunks.map(({ op, text, author }, index) => {
        if (op === 'EQUAL') return <span key={index}>{shorten(text, index === 0, index === hunks.length - 1)}</span>
        const title = author ? `${op === 'INSERT' ? 'Added' : 'Removed'} by ${author.displayName}` : undefined
        return op === 'INSERT' ? (
          <ins key={index} title={title}>
            {text}
          </ins>
        ) : (
          <del key={index} title={title}>
            {text}
          </del>
        )
      })}
    </div>
  )
}

function shorten(text: string, isFirst: boolean, isLast: boolean): string {
  const [before, after] = [isFirst ? 0 : CONTEXT, isLast ? 0 : CONTEXT]
  if (text.length <= before + after + 40) return text
  const [head, tail] = [text.slice(0, before), after ? text.slice(-after) : '']
  return `${head}${isFirst ? '' : ' '}…\n${tail}`
}

/** Who changed it, each once. */
export function authors({ hunks }: Diff): string[] {
  return [
    ...new Set(hunks.filter(({ op }) => op !== 'EQUAL').flatMap(({ author }) => (author ? [author.displayName] : []))),
  ]
}
