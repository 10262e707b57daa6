import { execa } from 'execa';

/** Workers start from dist/, and the addon from native/build: both must be of this tree. */
export default async function build(): Promise<void> {
  await execa('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] });
}
