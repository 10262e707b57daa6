import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';

it('closes a connection that its server has just ended, without ending the process', () => {
  const script = new URL('./closing-client.mjs', import.meta.url).pathname;
  expect(execFileSync(process.execPath, [script], { encoding: 'utf8', timeout: 20_000 })).toBe('');
});
