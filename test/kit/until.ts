/**
 * Looks again and again until it is so: for what tells nobody that it has happened.
 * @param patience after which it has failed, in milliseconds; well below the test's own timeout, which says nothing of why
 */
export async function until(isSo: () => boolean | Promise<boolean>, patience = 25_000): Promise<void> {
  const deadline = Date.now() + patience;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`It has not become so: ${isSo.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
