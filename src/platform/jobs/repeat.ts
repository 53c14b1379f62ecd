/** Does something every so many milliseconds, but never twice at once. @param work must not reject */
export function repeat(interval: number, work: () => Promise<void>): Disposable {
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void work().finally(() => (isBusy = false));
  }, interval).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
