/// The events of a subscription: a list, the newest first, and the one that is chosen.
import type { Extension } from '@codemirror/state'
import { useEffect, useState } from 'preact/hooks'
import type { App } from '../app'
import { toJson } from '../documents'
import { useStore } from '../store'
import { dotOf } from '../tabs/bar'
import { Splitter } from '../ui/splitter'
import { CopyButton, JsonView } from './response'
import type { Entry, StreamRun } from './runs'
import type { StreamState } from './stream'

export function Events({
  app,
  tabId,
  run,
  features,
}: {
  app: App
  tabId: string
  run: StreamRun
  features?: Extension
}) {
  const [chosen, choose] = useState<number | null>(null)
  const share = useStore(app.preferences, (preferences) => preferences.detailShare)
  const events = run.entries.filter((entry) => entry.kind === 'event')
  const shown = events.find((event) => event.number === chosen) ?? events.at(-1)
  const text = shown ? toJson(shown.answer) : ''
  return (
    <div class="events" style={{ '--detail-share': `${share}%` }}>
      <StreamStatus app={app} tabId={tabId} run={run} />
      {run.entries.length === 0 ? (
        <div class="response-empty">
          <p>{run.state.phase === 'ended' ? 'No events arrived.' : 'Events appear here as they arrive.'}</p>
        </div>
      ) : (
        <>
          <ol class="events-list" reversed aria-label="Events, the newest first" tabIndex={0}>
            {[...run.entries].reverse().map((entry) => (
              <EventItem
                key={entry.number}
                entry={entry}
                isShown={entry === shown}
                onChoose={() => choose(entry === events.at(-1) ? null : entry.number)}
              />
            ))}
            {run.dropped > 0 && <li class="events-note">{run.dropped} older entries are no longer listed.</li>}
          </ol>
          <Splitter
            label="Resize the event"
            axis="y"
            value={share}
            min={15}
            max={85}
            step={5}
            onChange={(detailShare) => app.preferences.change({ detailShare })}
            measure={({ y }, splitter) => {
              const { top, bottom } = splitter.parentElement!.getBoundingClientRect()
              return ((bottom - y) / (bottom - top)) * 100
            }}
          />
          <div class="events-detail">
            <div class="response-status">
              {shown && <span>{chosen === null ? 'Newest event' : `Event ${shown.number}`}</span>}
              <span class="space" />
              {chosen !== null && (
                <button type="button" class="link" onClick={() => choose(null)}>
                  Follow the newest
                </button>
              )}
              {shown && <CopyButton app={app} label="Copy the event" text={text} />}
            </div>
            <JsonView
              docKey={`${tabId}:events`}
              text={text}
              features={features}
              label={shown ? `Event ${shown.number}` : 'Event'}
            />
          </div>
        </>
      )}
    </div>
  )
}

function EventItem({ entry, isShown, onChoose }: { entry: Entry; isShown: boolean; onChoose: () => void }) {
  const time = <time dateTime={new Date(entry.at).toISOString()}>{new Date(entry.at).toLocaleTimeString()}</time>
  if (entry.kind === 'note') {
    return (
      <li class="events-note">
        {time} {entry.summary}
      </li>
    )
  }
  return (
    <li>
      <button type="button" class="event" aria-pressed={isShown} data-failed={entry.failed} onClick={onChoose}>
        {time} <span class="event-summary">{entry.summary}</span>
      </button>
    </li>
  )
}

function StreamStatus({ app, tabId, run }: { app: App; tabId: string; run: StreamRun }) {
  const { state, received } = run
  const dot = dotOf(run)
  return (
    <div class="response-status" data-stream={state.phase}>
      {dot && <span class="dot" data-state={dot} />}
      <span role="status">
        <StreamWords state={state} />
      </span>
      {received > 0 && (
        <span class="faint">{received === 1 ? '1 event' : `${received.toLocaleString('en')} events`}</span>
      )}
      <span class="space" />
      {state.phase === 'waiting' && (
        <button type="button" class="link" onClick={() => app.runs.retryNow(tabId)}>
          Try now
        </button>
      )}
      {state.phase !== 'ended' && (
        <button type="button" class="link" onClick={() => app.runs.stop(tabId)}>
          Stop
        </button>
      )}
      {run.entries.length > 0 && (
        <button type="button" class="link" onClick={() => app.runs.clearEntries(tabId)}>
          Clear
        </button>
      )}
    </div>
  )
}

export function StreamWords({ state }: { state: StreamState }) {
  if (state.phase === 'connecting') return <>Connecting …</>
  if (state.phase === 'open') return <>Listening</>
  if (state.phase === 'waiting') return <Countdown retryAt={state.retryAt} reason={state.reason} />
  return <>{state.problem ?? 'Stopped'}</>
}

function Countdown({ retryAt, reason }: { retryAt: number; reason: string }) {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(timer)
  }, [])
  const seconds = Math.max(1, Math.ceil((retryAt - now) / 1000))
  return (
    <>
      {reason} Trying again in {seconds} s
    </>
  )
}
