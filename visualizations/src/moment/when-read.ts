/** What comes of a reading, unless the asker has lost interest by then. */
export type ReadOutcome<Value> = {
  readonly done: (value: Value) => void;
  readonly failed: (error: Error) => void;
};

/** Returns how to lose interest: nothing is called after that. */
export function whenRead<Value>(reading: Promise<Value>, { done, failed }: ReadOutcome<Value>): () => void {
  let isWanted = true;
  const listen = async (): Promise<void> => {
    try {
      const value = await reading;
      if (isWanted) done(value);
    } catch (error) {
      if (isWanted) failed(error instanceof Error ? error : new Error(String(error)));
    }
  };
  void listen();
  return () => {
    isWanted = false;
  };
}
