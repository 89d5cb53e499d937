/// What stands in the place of something that is not there: yet, any more, or at all.
import { useEffect, useRef, type ReactNode } from 'react'

export function Loading({ what }: { what: string }) {
  return (
    <div className="state" role="status">
      <span className="spinner" aria-hidden="true" />
      <span>Loading {what} …</span>
    </div>
  )
}

export function Problem({ title, reason, retry }: { title: string; reason: string; retry?: () => void }) {
  return (
    <div className="state" role="alert">
      <p className="state-title">{title}</p>
      <p>{reason}</p>
      {retry && (
        <button className="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  )
}

export function Empty({ title, hint, children }: { title: string; hint?: string; children?: ReactNode }) {
  return (
    <div className="state">
      <p className="state-title">{title}</p>
      {hint && <p>{hint}</p>}
      {children}
    </div>
  )
}

/** The heading of a screen. It takes the focus when the screen is opened, so that a screen reader says where it is. */
export function ScreenTitle({ title, children, before }: { title: string; children?: ReactNode; before?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useTitle(title)
  useEffect(() => {
    if (document.activeElement === document.body || document.activeElement?.closest('nav'))
      heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <header className="screen-title">
      {before}
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </header>
  )
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · PantheraHive`
  }, [title])
}
