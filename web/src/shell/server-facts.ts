/** What the server has written into the page about itself. */
export interface ServerFacts {
  version: string;
  /** Whether the playground is served. */
  playground: boolean;
  /** Whether the demo model answers, which knows commands. */
  demo: boolean;
  /** Whether the server can send mails. */
  mail: boolean;
}

export function readServerFacts(): ServerFacts {
  const { version = '', playground, demo, mail } = document.documentElement.dataset;
  return { version, playground: playground === 'true', demo: demo === 'true', mail: mail === 'true' };
}
