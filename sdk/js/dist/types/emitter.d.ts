/** Events with typed values. */
export type Listener<T> = (value: T) => void;
export declare class Emitter<Events> {
    private readonly listeners;
    /** What it gives takes the listener off again. */
    on<K extends keyof Events>(event: K, listener: Listener<Events[K]>): () => void;
    /** A listener that throws is told of, as an event's listener in a page is, and does not stop the others. */
    emit<K extends keyof Events>(event: K, value: Events[K]): void;
    has(event: keyof Events): boolean;
}
