// The rules of graphql-eslint over the printed schema: Relay's conventions, descriptions, names.
import assert from 'node:assert/strict';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

import { ESLint } from 'eslint';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test('nothing is wrong with the schema but that the change log is read in one direction only', async () => {
  const eslint = new ESLint({ cwd: root, overrideConfigFile: fileURLToPath(new URL('eslint.config.mjs', import.meta.url)) });
  const [{ messages }] = await eslint.lintFiles(['schema/schema.graphql']);
  assert.deepEqual(
    messages.map((each) => `${each.ruleId}: ${each.message}`),
    [
      'graphql/relay-arguments: Field `changes` must contain an argument `last`, that return Int.',
      'graphql/relay-arguments: Field `changes` must contain an argument `before`, that return String or Scalar.',
    ],
  );
});
