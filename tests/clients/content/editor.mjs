// What TipTap, y-prosemirror and yjs make of documents. Reads one JSON object a line, answers each with one:
//   {encode: tree}           → {update}         what y-prosemirror writes for a ProseMirror document
//   {update, tree}           → {same, valid}    whether it reads an update as this tree, and whether that fits TipTap's schema
//   {updates, roots}         → {state}          what yjs holds after these updates, by the names of text roots
import { createInterface } from 'node:readline';
import { getSchema } from '@tiptap/core';
import Image from '@tiptap/extension-image';
import { TaskItem, TaskList } from '@tiptap/extension-list';
import Mention from '@tiptap/extension-mention';
import { TableKit } from '@tiptap/extension-table';
import StarterKit from '@tiptap/starter-kit';
import { prosemirrorToYDoc, yXmlFragmentToProseMirrorRootNode } from 'y-prosemirror';
import * as Y from 'yjs';

const schema = getSchema([StarterKit, TaskList, TaskItem.configure({ nested: true }), TableKit, Image, Mention]);
const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64'));

function loaded(updates) {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, bytes(update));
  return doc;
}

function isValid(node) {
  try {
    node.check();
    return true;
  } catch {
    return false;
  }
}

function answer(question) {
  if (question.encode) {
    const doc = prosemirrorToYDoc(schema.nodeFromJSON(question.encode), 'default');
    return { update: Buffer.from(Y.encodeStateAsUpdate(doc)).toString('base64') };
  }
  if (question.tree) {
    const read = yXmlFragmentToProseMirrorRootNode(loaded([question.update]).getXmlFragment('default'), schema);
    const wanted = schema.nodeFromJSON(question.tree);
    return { same: read.eq(wanted), valid: isValid(read), read: read.toJSON() };
  }
  const doc = loaded(question.updates);
  return { state: Object.fromEntries(question.roots.map((root) => [root, doc.getText(root).toDelta()])) };
}

for await (const line of createInterface({ input: process.stdin })) {
  let said;
  try {
    said = answer(JSON.parse(line));
  } catch (error) {
    said = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
