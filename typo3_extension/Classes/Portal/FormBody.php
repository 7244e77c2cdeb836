<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Portal;

use GuzzleHttp\Psr7\MultipartStream;
use GuzzleHttp\Psr7\Utils;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Message\StreamInterface;
use Psr\Http\Message\UploadedFileInterface;

/**
 * The body of a form as it goes on to the portal. PHP has taken a form with files apart, so it is put together again,
 * with each file read from its temporary place as it is sent.
 *
 * PHP keeps only the last of several values of one name unless the name ends with `[]`, so the portal writes names so
 * for this connection's kind; here the brackets go away again.
 */
final readonly class FormBody
{
    /** A multipart form without any field is no longer than this, in bytes. */
    private const EMPTY_FORM = 200;

    /**
     * @param list<string> $tooLarge names of files that PHP did not take
     */
    private function __construct(
        public StreamInterface $stream,
        public string $contentType,
        public array $tooLarge = [],
    ) {}

    /**
     * @param array<string, mixed> $received PHP's own list of files: the request leaves out those that PHP refused
     * @throws FormTooLarge when the web server handed PHP more than `post_max_size`: nothing of it has arrived
     */
    public static function of(ServerRequestInterface $request, array $received = []): self
    {
        $type = $request->getHeaderLine('Content-Type');
        if (!str_starts_with(strtolower($type), 'multipart/form-data')) {
            return new self($request->getBody(), $type);
        }
        $fields = (array)$request->getParsedBody();
        $files = $request->getUploadedFiles();
        $refused = iterator_to_array(self::refused($received), false);
        $nothing = $fields === [] && $files === [] && $refused === [];
        if ($nothing && (int)$request->getHeaderLine('Content-Length') > self::EMPTY_FORM) {
            throw new FormTooLarge('post_max_size of PHP', 1764140031);
        }

        return self::multipart($fields, $files, $refused);
    }

    /**
     * @param array<int|string, mixed> $fields
     * @param array<int|string, mixed> $files
     * @param list<string> $tooLarge
     */
    private static function multipart(array $fields, array $files, array $tooLarge): self
    {
        if ($tooLarge !== []) {
            // Nobody may believe that all was sent: the form comes back with what has arrived, and says what has not.
            $fields['aktion'] = 'hochladen';
        }
        $parts = [];
        foreach (self::flat($fields) as [$name, $value]) {
            $parts[] = ['name' => $name, 'contents' => Utils::streamFor((string)$value)];
        }
        foreach (self::flat($files) as [$name, $file]) {
            if ($file instanceof UploadedFileInterface && $file->getError() === UPLOAD_ERR_OK) {
                $parts[] = self::filePart($name, $file);
            }
        }
        $stream = new MultipartStream($parts);

        return new self($stream, 'multipart/form-data; boundary=' . $stream->getBoundary(), $tooLarge);
    }

    /**
     * Names of files that were chosen and have not arrived, mostly because of `upload_max_filesize`.
     *
     * @param array<string, mixed> $received
     * @return \Generator<string>
     */
    private static function refused(array $received): \Generator
    {
        foreach ($received as $field) {
            $names = (array)($field['name'] ?? []);
            foreach ((array)($field['error'] ?? []) as $key => $error) {
                if (!in_array($error, [UPLOAD_ERR_OK, UPLOAD_ERR_NO_FILE], true) && is_string($names[$key] ?? null)) {
                    yield $names[$key];
                }
            }
        }
    }

    /**
     * @return array<string, mixed>
     */
    private static function filePart(string $name, UploadedFileInterface $file): array
    {
        $headers = ['Content-Disposition' => sprintf(
            'form-data; name="%s"; filename="%s"',
            self::quoted($name),
            self::quoted((string)$file->getClientFilename()),
        )];
        $type = (string)$file->getClientMediaType();
        $headers['Content-Type'] = preg_match('~^[\w.+-]+/[\w.+-]+$~', $type) === 1 ? $type : 'application/octet-stream';

        return ['name' => $name, 'contents' => $file->getStream(), 'headers' => $headers];
    }

    /**
     * Several values become several pairs of one name: `bild[]` was the name of a list in the form.
     *
     * @param array<int|string, mixed> $values
     * @return \Generator<array{string, mixed}>
     */
    private static function flat(array $values, string $prefix = ''): \Generator
    {
        foreach ($values as $key => $value) {
            $name = $prefix === '' ? (string)$key : (is_int($key) ? $prefix : $prefix . '[' . $key . ']');
            if (is_array($value)) {
                yield from self::flat($value, $name);
            } else {
                yield [$name, $value];
            }
        }
    }

    /**
     * As browsers write names into multipart headers.
     */
    private static function quoted(string $text): string
    {
        return strtr($text, ['"' => '%22', "\r" => '%0D', "\n" => '%0A']);
    }
}
