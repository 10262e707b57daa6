import { execa } from 'execa';

const built = 'NETLOOM_TESTS_ARE_BUILT';

/** Workers start from dist/, and the addon from native/build: both must be of this tree. */
export default async function build(): Promise<void> {
  // called once by each group of tests
  if (process.env[built]) return;
  process.env[built] = 'yes';
  await execa('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const programs = ['--build', 'native/build', '--target', 'test-programs'];
  await execa('cmake', programs, { stdio: ['ignore', 'ignore', 'inherit'] });
}
