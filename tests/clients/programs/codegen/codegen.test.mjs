// TypeScript: what graphql-codegen generates type-checks with what a front end writes over it, whole packages included.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

test('tsc finds nothing wrong', () => {
  let said = '';
  try {
    execFileSync(`${here}../node_modules/.bin/tsc`, ['-p', 'tsconfig.json'], { cwd: here, encoding: 'utf8' });
  } catch (error) {
    said = error.stdout;
  }
  assert.equal(said, '');
});
