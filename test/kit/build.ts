import { execFileSync } from 'node:child_process';

/** Before the tests: some start the compiled server as a process, or open its playground. */
export default function build(): void {
  execFileSync(process.execPath, ['scripts/build.mjs', '--if-needed'], { stdio: 'inherit' });
}
