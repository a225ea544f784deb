/**
 * Where a person decides: answer, approve, reject, withdraw.
 *
 * D1. An approval needs the last characters of the gate's id, typed; an answer to a question is typed anyway.
 * D2. While it is sent nothing can be pressed twice.
 */
import { useId, useState, type FormEvent } from 'react';
import { CONFIRM_CHARACTERS } from '../../../../src/hosts/inspector/protocol.ts';
import { Button } from '../../design/button.tsx';
import { ErrorNote } from '../../design/notes.tsx';
import { useGateDecision, type Decision } from './gate-decision.ts';

const DONE: Readonly<Record<Decision, string>> = {
  approved: 'Approved. Whoever asked is told.',
  rejected: 'Rejected. Whoever asked is told.',
  canceled: 'Withdrawn. Nothing is allowed and nothing is answered.',
};

type FormProps = {
  readonly gateId: string;
  readonly type: string;
  readonly isSending: boolean;
  readonly onSend: (words: { status: Decision; reason: string; answer: string | null; typed: string | null }) => void;
};

const AnswerForm = ({ isSending, onSend }: FormProps) => {
  const id = useId();
  const [answer, setAnswer] = useState('');
  const isEmpty = answer.trim() === '';
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isEmpty) onSend({ status: 'approved', reason: 'answered', answer, typed: null });
  };
  return (
    <form className="decision-form" onSubmit={submit}>
      <label htmlFor={id}>Your answer</label>
      <textarea
        id={id}
        rows={4}
        value={answer}
        onChange={(event) => {
          setAnswer(event.currentTarget.value);
        }}
      />
      <div className="row">
        <button type="submit" className="button button-primary" disabled={isSending || isEmpty}>
          Send the answer
        </button>
      </div>
    </form>
  );
};

const ApproveForm = ({ gateId, type, isSending, onSend }: FormProps) => {
  const id = useId();
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const wanted = gateId.slice(-CONFIRM_CHARACTERS);
  const isConfirmed = typed.trim() === wanted;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isConfirmed) return;
    const words = reason.trim() === '' ? `approved in the inspector (${type})` : reason.trim();
    onSend({ status: 'approved', reason: words, answer: null, typed: typed.trim() });
  };
  return (
    <form className="decision-form" onSubmit={submit}>
      <label htmlFor={`${id}-reason`}>Why, for the record (may stay empty)</label>
      <input
        id={`${id}-reason`}
        value={reason}
        onChange={(event) => {
          setReason(event.currentTarget.value);
        }}
      />
      <label htmlFor={`${id}-typed`}>
        To approve, type the last {CONFIRM_CHARACTERS} characters of the id:{' '}
        <span className="mono">
          {gateId.slice(0, -CONFIRM_CHARACTERS)}
          <strong className="confirm-part">{wanted}</strong>
        </span>
      </label>
      <div className="row">
        <input
          id={`${id}-typed`}
          className="mono confirm-field"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={CONFIRM_CHARACTERS + 2}
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
          }}
        />
        <button type="submit" className="button button-primary" disabled={isSending || !isConfirmed}>
          Approve
        </button>
      </div>
    </form>
  );
};

const RefuseForm = ({ isSending, onSend }: FormProps) => {
  const id = useId();
  const [reason, setReason] = useState('');
  const isEmpty = reason.trim() === '';
  const refuse = (status: Decision): void => {
    onSend({ status, reason: reason.trim(), answer: null, typed: null });
  };
  return (
    <form
      className="decision-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isEmpty) refuse('rejected');
      }}
    >
      <label htmlFor={id}>To reject, say why: the agent reads it</label>
      <input
        id={id}
        value={reason}
        onChange={(event) => {
          setReason(event.currentTarget.value);
        }}
      />
      <div className="row">
        <button type="submit" className="button button-danger" disabled={isSending || isEmpty}>
          Reject
        </button>
        <Button
          isDisabled={isSending || isEmpty}
          onPress={() => {
            refuse('canceled');
          }}
        >
          Withdraw the question
        </Button>
      </div>
    </form>
  );
};

export const DecisionForm = ({ gateId, type }: { readonly gateId: string; readonly type: string }) => {
  const { state, send } = useGateDecision(gateId);
  if (state.kind === 'done') {
    return (
      <p className="decision-done" role="status">
        {DONE[state.status]}
      </p>
    );
  }
  const props: FormProps = { gateId, type, isSending: state.kind === 'sending', onSend: (words) => void send(words) };
  return (
    <div className="decision">
      {type === 'needs_input' ? <AnswerForm {...props} /> : <ApproveForm {...props} />}
      <RefuseForm {...props} />
      {state.kind === 'failed' ? <ErrorNote title="This was not decided" error={state.error} /> : null}
      {state.kind === 'sending' ? (
        <p className="muted small" role="status">
          Sending…
        </p>
      ) : null}
    </div>
  );
};
