/// What came back: the answer to a request, or the events of a subscription.
import { json } from '@codemirror/lang-json'
import type { Extension } from '@codemirror/state'
import type { App } from '../app'
import { Editor } from '../editor/editor'
import { useStore } from '../store'
import { activeTab } from '../tabs/tabs'
import { CopyIcon } from '../ui/icons'
import { Events } from './events'
import type { RequestRun } from './runs'

const JSON_LANGUAGE = json()

export function ResponsePane({ app, features }: { app: App; features?: Extension }) {
  const id = useStore(app.tabs, (state) => activeTab(state).id)
  const run = useStore(app.runs, (runs) => runs.get(id))
  if (run?.kind === 'stream') return <Events key={id} app={app} tabId={id} run={run} features={features} />
  if (!run) {
    return (
      <div class="response-empty">
        <p>Run the operation to see its response here.</p>
      </div>
    )
  }
  return (
    <>
      <ResponseStatus app={app} run={run} />
      <JsonView docKey={`${id}:response`} text={run.text} features={features} label="Response" />
    </>
  )
}

export function JsonView({
  docKey,
  text,
  label,
  features,
}: {
  docKey: string
  text: string
  label: string
  features?: Extension
}) {
  return (
    <div class="result-window">
      <Editor label={label} docKey={docKey} value={text} language={JSON_LANGUAGE} features={features} readOnly />
    </div>
  )
}

function ResponseStatus({ app, run }: { app: App; run: RequestRun }) {
  const { response, busy, failed } = run
  return (
    <div class="response-status" data-failed={failed}>
      <span role="status">
        {busy && 'Running …'}
        {!busy && response && `${response.status} · ${duration(response.milliseconds)} · ${size(response.bytes)}`}
        {!busy && failed && <span class="failed">{response ? ' · with errors' : 'No answer'}</span>}
      </span>
      <span class="space" />
      {!busy && <CopyButton app={app} label="Copy the response" text={run.text} />}
    </div>
  )
}

export function CopyButton({ app, label, text }: { app: App; label: string; text: string }) {
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={label}
      title={label}
      onClick={() => void app.copy(text, 'Copied')}
    >
      <CopyIcon />
    </button>
  )
}

function duration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`
}

function size(bytes: number): string {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`
}
