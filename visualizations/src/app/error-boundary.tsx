/** A view that throws says so in its place; the rest of the page goes on. */
import { Component, type ReactNode } from 'react';
import { ErrorNote } from '../design/notes.tsx';

type BoundaryProps = { readonly children: ReactNode };
type BoundaryState = { readonly error: Error | null };

export class ErrorBoundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { error: null };

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  private readonly again = (): void => {
    this.setState({ error: null });
  };

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return <ErrorNote title="This view failed" error={error} onRetry={this.again} />;
  }
}
