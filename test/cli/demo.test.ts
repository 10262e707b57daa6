import { execa } from 'execa';
import { expect, it } from 'vitest';

it('npm run demo tells the whole story, and leaves nothing', async () => {
  const { exitCode, stdout } = await execa(process.execPath, ['dist/scripts/demo.js'], { reject: false, all: true });
  expect(stdout).toContain('All of it worked, and nothing is left.');
  expect(stdout).not.toContain('✗');
  // the longest names of facts, too, end before the details begin
  expect(stdout).toMatch(/ node\/stage +forwarding-on IPv4 +nft\./);
  expect(exitCode).toBe(0);
});
