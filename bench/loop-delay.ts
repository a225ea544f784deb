/** How long a process's event loop is held up, asked through the debugger's door of that process itself. */

/** Where Node opens that door when it gets SIGUSR1. */
const DOOR = 'http://127.0.0.1:9229/json';
/** Grain of the measurement, in ms; taken off the result, which counts it in. */
const GRAIN_MS = 5;

export type LoopDelay = {
  /** @returns ms that half, and 99 of 100 looks, came late. */
  end(): Promise<{ readonly median: number; readonly p99: number }>;
};

export async function watchLoop(pid: number): Promise<LoopDelay> {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await doorOf(pid));
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  let last = 0;
  const ask = async (expression: string): Promise<string> => {
    const id = (last += 1);
    const answer = new Promise<string>((resolve) => {
      const hear = ({ data }: MessageEvent): void => {
        const message = JSON.parse(String(data)) as { id?: number; result: { result: { value: string } } };
        if (message.id !== id) return;
        socket.removeEventListener('message', hear);
        resolve(message.result.result.value);
      };
      socket.addEventListener('message', hear);
    });
    socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params: { expression, returnByValue: true } }));
    return answer;
  };
  const histogram = 'globalThis.benchLoop';
  await ask(
    `${histogram} = process.getBuiltinModule('perf_hooks').monitorEventLoopDelay({ resolution: ${String(GRAIN_MS)} }); ${histogram}.enable(); ''`,
  );
  return {
    end: async () => {
      const text = await ask(`JSON.stringify([${histogram}.percentile(50), ${histogram}.percentile(99)])`);
      socket.close();
      const [median = 0, p99 = 0] = (JSON.parse(text) as number[]).map((ns) => Math.max(0, ns / 1e6 - GRAIN_MS));
      return { median, p99 };
    },
  };
}

async function doorOf(pid: number): Promise<string> {
  for (let look = 0; look < 100; look += 1) {
    try {
      const doors = (await (await fetch(DOOR)).json()) as readonly { webSocketDebuggerUrl: string; title: string }[];
      const [door] = doors;
      if (door !== undefined) return door.webSocketDebuggerUrl;
    } catch {
      // Not open yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`process ${String(pid)} opened no door for debuggers at ${DOOR}`);
}
