/// Shows short messages, and gives screen readers what they are to say.
import { announcement, dismiss, notices } from '../data/notices'
import { useStore } from '../data/store'
import { Icon } from './icons'

export function Notices() {
  const shown = useStore(notices)
  const said = useStore(announcement)
  return (
    <>
      <div className="notices" role="status" aria-live="polite">
        {shown.map(({ id, text, kind, action }) => (
          <div key={id} className={`notice notice-${kind}`}>
            <span className="notice-text">{text}</span>
            {action && (
              <button
                className="button button-quiet"
                onClick={() => {
                  dismiss(id)
                  action.run()
                }}
              >
                {action.label}
              </button>
            )}
            <button className="icon-button" aria-label="Dismiss" onClick={() => dismiss(id)}>
              <Icon name="close" />
            </button>
          </div>
        ))}
      </div>
      <div className="visually-hidden" aria-live="assertive">
        {said}
      </div>
    </>
  )
}
