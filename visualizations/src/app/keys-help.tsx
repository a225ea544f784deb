/** The list of keys that do something in the view that is shown. */
import { useEffect, useRef } from 'react';
import { Button } from '../design/button.tsx';
import { useKeyList } from './keys.ts';

const Keys = ({ keys }: { readonly keys: string }) => (
  <span className="key-names">
    {keys.split(' ').map((key, index) => (
      <span key={`${key}${String(index)}`}>
        {index > 0 ? <span className="muted"> then </span> : null}
        <kbd>{key}</kbd>
      </span>
    ))}
  </span>
);

export const KeysHelp = ({ onClose }: { readonly onClose: () => void }) => {
  const box = useRef<HTMLDialogElement>(null);
  const bindings = useKeyList();
  useEffect(() => {
    box.current?.showModal();
  }, []);
  const shown = new Map(bindings.map(({ keys, label }) => [keys, label]));
  return (
    <dialog ref={box} className="keys-help" aria-label="Keys" onClose={onClose}>
      <header className="row">
        <h2 className="grow">Keys</h2>
        <Button kind="quiet" onPress={onClose}>
          Close
        </Button>
      </header>
      <dl className="key-list">
        {[...shown].map(([keys, label]) => (
          <div key={keys}>
            <dt>
              <Keys keys={keys} />
            </dt>
            <dd>{label}</dd>
          </div>
        ))}
      </dl>
    </dialog>
  );
};
