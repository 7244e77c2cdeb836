<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Portal;

use GuzzleHttp\Psr7\StreamDecoratorTrait;
use Psr\Http\Message\StreamInterface;
use TYPO3\CMS\Core\Http\SelfEmittableStreamInterface;

/**
 * A body that goes on to the browser piece by piece, as it arrives.
 */
final class PassedThrough implements SelfEmittableStreamInterface
{
    use StreamDecoratorTrait;

    private const CHUNK = 256 * 1024;

    private StreamInterface $stream;

    public function __construct(StreamInterface $stream)
    {
        $this->stream = $stream;
    }

    public function emit(): void
    {
        try {
            while (!$this->stream->eof() && connection_aborted() === 0) {
                echo $this->stream->read(self::CHUNK);
                flush();
            }
        } catch (\RuntimeException) {
            // The headers have gone out with the length; the browser sees that the rest is missing.
        } finally {
            $this->stream->close();
        }
    }
}
