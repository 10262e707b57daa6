import { execa } from 'execa';
import { expect, it } from 'vitest';

it('npm run demo runs through its whole script, and leaves nothing behind', async () => {
  const { exitCode, stdout } = await execa(process.execPath, ['dist/scripts/demo.js'], { reject: false, all: true });
  expect(stdout).toContain('All of it worked, and nothing is left.');
  expect(stdout).not.toContain('✗');
  // even the longest names of facts end before the details begin
  expect(stdout).toMatch(/ node\/stage +forwarding-on IPv4 +nft\./);
  expect(exitCode).toBe(0);
});
