/** The editor schema that the server expects (docs/collaboration.md): an editor deletes for everybody what its own schema lacks. */

/** The version that `editorNodes` and `editorMarks` make up, to be announced when connecting. */
export const EDITOR_SCHEMA_VERSION = 1
/** The `Y.XmlFragment` of a text. */
export const EDITOR_FRAGMENT = 'default'

/** Nodes by name, with the npm package of TipTap's extension for each. */
export const editorNodes: Readonly<Record<string, string>> = {
  paragraph: '@tiptap/starter-kit',
  heading: '@tiptap/starter-kit',
  blockquote: '@tiptap/starter-kit',
  bulletList: '@tiptap/starter-kit',
  orderedList: '@tiptap/starter-kit',
  listItem: '@tiptap/starter-kit',
  codeBlock: '@tiptap/starter-kit',
  hardBreak: '@tiptap/starter-kit',
  horizontalRule: '@tiptap/starter-kit',
  taskList: '@tiptap/extension-list',
  taskItem: '@tiptap/extension-list',
  table: '@tiptap/extension-table',
  tableRow: '@tiptap/extension-table',
  tableHeader: '@tiptap/extension-table',
  tableCell: '@tiptap/extension-table',
  image: '@tiptap/extension-image',
  mention: '@tiptap/extension-mention',
}

/** Marks, all of `@tiptap/starter-kit`. */
export const editorMarks: readonly string[] = ['bold', 'italic', 'strike', 'underline', 'code', 'link']

/** What of the schema an editor lacks: `editor.schema` of TipTap or ProseMirror. Nothing may be announced while anything is. */
export function missingFrom(schema: { nodes: object; marks: object }): string[] {
  const nodes = Object.keys(editorNodes).filter((name) => !(name in schema.nodes))
  return [...nodes, ...editorMarks.filter((name) => !(name in schema.marks))]
}

/** Warns of what is missing, with the packages that have it; whether all is there. */
export function checkEditorSchema(
  schema: { nodes: object; marks: object },
  warn: (message: string) => void = (message) => console.warn(message),
): boolean {
  const missing = missingFrom(schema)
  if (missing.length === 0) return true
  const packages = [...new Set(missing.map((name) => editorNodes[name] ?? '@tiptap/starter-kit'))]
  warn(
    `This editor lacks ${missing.join(', ')} and would delete them for everybody from the documents that it opens: ` +
      `add the extensions of ${packages.join(', ')}.`,
  )
  return false
}
