/**
 * Calls `work` at each interval, unless the previous call is still running.
 * @param work must not reject
 */
export function repeat(intervalMs: number, work: () => Promise<void>): Disposable {
  let isRunning = false;
  const timer = setInterval(() => {
    if (isRunning) return;
    isRunning = true;
    void work().finally(() => (isRunning = false));
  }, intervalMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
