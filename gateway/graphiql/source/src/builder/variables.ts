/// Keeps the variables' JSON in step with the variables that the builder adds to an operation or takes from it.
import { operationsIn, parseDocument, parseObject, toJson } from '../documents'

/** New variables are null, to be filled in; those that are gone lose their value. */
export function followVariables(variables: string, before: string, after: string): string {
  const [old, now] = [namesIn(before), namesIn(after)]
  const parsed = parseObject(variables)
  if (!old || !now || !parsed.ok) return variables
  const values = { ...parsed.value }
  let changed = false
  for (const name of now) {
    if (old.has(name) || name in values) continue
    values[name] = null
    changed = true
  }
  for (const name of old) {
    if (now.has(name) || !(name in values)) continue
    delete values[name]
    changed = true
  }
  if (!changed) return variables
  return Object.keys(values).length > 0 ? toJson(values) : ''
}

function namesIn(query: string): Set<string> | null {
  if (query.replace(/#.*/g, '').trim() === '') return new Set()
  const document = parseDocument(query)
  if (!document) return null
  return new Set(
    operationsIn(document).flatMap((each) => (each.variableDefinitions ?? []).map((one) => one.variable.name.value)),
  )
}
