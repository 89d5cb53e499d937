// What TipTap, y-prosemirror and yjs make of documents. Reads one JSON object a line, answers each with one:
//   {encode: tree}           → {update}         what y-prosemirror writes for a ProseMirror document
//   {update, tree}           → {same, valid}    whether it reads an update as this tree, and whether that fits TipTap's schema
//   {updates, shape: true}   → {shape, text, pending, foreign}  what yjs reads after these updates: elements and letters
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

const plain = (text) => text.toDelta().map((run) => (typeof run.insert === 'string' ? run.insert : '')).join('');

// Editors know nothing else in a fragment; neither do we.
const isXml = (node) => node instanceof Y.XmlElement || node instanceof Y.XmlText;

function shape(node) {
  if (node instanceof Y.XmlText) return plain(node);
  const inside = node.toArray().filter(isXml).map(shape);
  return node instanceof Y.XmlElement ? [node.nodeName, ...inside] : inside;
}

// Whether something that is not XML stands among the blocks.
const isForeign = (node) => !(node instanceof Y.XmlText) && node.toArray().some((child) => !isXml(child) || isForeign(child));

// Why a node does not fit TipTap's schema; null where it does.
function invalidity(node) {
  try {
    node.check();
    return null;
  } catch (error) {
    return String(error);
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
    return { same: read.eq(wanted), valid: invalidity(read) === null, error: invalidity(read), read: read.toJSON() };
  }
  const doc = loaded(question.updates);
  if (question.shape) return { shape: shape(doc.getXmlFragment('default')), text: plain(doc.getText('text')), pending: doc.store.pendingStructs !== null, foreign: isForeign(doc.getXmlFragment('default')) };
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
