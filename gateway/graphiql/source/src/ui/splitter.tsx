/// The line between two panes, which is dragged or moved with the arrow keys.
import { useRef } from 'preact/hooks'

export function Splitter({
  label,
  axis,
  value,
  min,
  max,
  step,
  onChange,
  measure,
}: {
  label: string
  /** `x` moves sideways. */
  axis: 'x' | 'y'
  value: number
  min: number
  max: number
  step: number
  onChange: (value: number) => void
  /** The value at a point of the screen. */
  measure: (point: { x: number; y: number }, splitter: HTMLElement) => number
}) {
  const dragging = useRef(false)
  const change = (wanted: number) => onChange(Math.round(Math.min(max, Math.max(min, wanted))))
  const keys: Record<string, number> =
    axis === 'x' ? { ArrowLeft: -step, ArrowRight: step } : { ArrowUp: step, ArrowDown: -step }
  return (
    <div
      class={`splitter splitter-${axis}`}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={axis === 'x' ? 'vertical' : 'horizontal'}
      aria-valuenow={Math.round(value)}
      aria-valuemin={min}
      aria-valuemax={max}
      onKeyDown={(event) => {
        const move = keys[event.key]
        if (move === undefined) return
        event.preventDefault()
        change(value + move)
      }}
      onPointerDown={(event) => {
        dragging.current = true
        event.currentTarget.setPointerCapture(event.pointerId)
        event.preventDefault()
      }}
      onPointerMove={(event) => {
        if (dragging.current) change(measure({ x: event.clientX, y: event.clientY }, event.currentTarget))
      }}
      onPointerUp={() => {
        dragging.current = false
      }}
      onPointerCancel={() => {
        dragging.current = false
      }}
    />
  )
}
