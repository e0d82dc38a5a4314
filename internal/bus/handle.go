package bus

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// kv returns the handle of a bucket, looked up once.
func (b *Bus) kv(ctx context.Context, name string) (jetstream.KeyValue, error) {
	if h, ok := b.handles.Load("kv:" + name); ok {
		return h.(jetstream.KeyValue), nil //nolint:forcetypeassert // only this function stores under "kv:"
	}
	h, err := b.js.KeyValue(ctx, name)
	if err != nil {
		return nil, err
	}
	b.handles.Store("kv:"+name, h)
	return h, nil
}

// stream returns the handle of a stream, looked up once.
func (b *Bus) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	if h, ok := b.handles.Load("stream:" + name); ok {
		return h.(jetstream.Stream), nil //nolint:forcetypeassert // only this function stores under "stream:"
	}
	h, err := b.js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	b.handles.Store("stream:"+name, h)
	return h, nil
}
