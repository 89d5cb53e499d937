/// A description of the schema: paragraphs, with code between backticks.

export function Description({ text, class: className }: { text: string | null | undefined; class?: string }) {
  if (!text) return null
  return (
    <div class={`docs-description ${className ?? ''}`}>
      {text.split(/\n\s*\n/).map((paragraph, place) => (
        <p key={place}>{paragraph.split(/(`[^`]+`)/).map(inline)}</p>
      ))}
    </div>
  )
}

function inline(piece: string, place: number) {
  const isCode = piece.length > 2 && piece.startsWith('`') && piece.endsWith('`')
  return isCode ? <code key={place}>{piece.slice(1, -1)}</code> : piece
}
