<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Portal;

use Mieterportal\Typo3\Settings\PortalSettings;
use Psr\Http\Message\ResponseInterface;

/**
 * What the portal answered: a piece of a page, a redirect, a file, or nothing that can be shown.
 */
final readonly class PortalAnswer
{
    /** What a browser is told of a file, of a redirect, and of a piece of a page. */
    private const HANDED_ON = [
        'Content-Type', 'Content-Disposition', 'Content-Length', 'Content-Range', 'Content-Security-Policy',
        'Accept-Ranges', 'ETag', 'Last-Modified', 'Location', 'Retry-After', 'X-Content-Type-Options',
    ];
    private const REFUSED = 'Portal';
    private const FRAGMENT_MAX = 4 * 1024 * 1024;
    private const CHUNK = 64 * 1024;

    public function __construct(private ResponseInterface $response) {}

    public function status(): int
    {
        return $this->response->getStatusCode();
    }

    /**
     * The portal did not believe this site: nothing that the visitor could do anything about. Whoever else asks for a
     * password, such as a web server before the portal, asks by another name.
     */
    public function isRefusal(): bool
    {
        return $this->status() === 401 && $this->mime() !== 'text/html'
            && $this->response->getHeaderLine('WWW-Authenticate') === self::REFUSED;
    }

    /**
     * A form was more than some web server on the way takes; the portal itself says so on a page of its own.
     */
    public function isTooLarge(): bool
    {
        return $this->status() === 413;
    }

    public function isRedirect(): bool
    {
        return $this->status() >= 300 && $this->status() < 400 && $this->response->hasHeader('Location');
    }

    /**
     * A piece of a page of the portal's own; HTML of anybody else has no such title.
     */
    public function isFragment(): bool
    {
        return $this->mime() === 'text/html' && !$this->response->hasHeader('Content-Disposition')
            && $this->response->hasHeader('Portal-Title') && !$this->isRedirect();
    }

    /**
     * A file, a part of one, or word that the browser has it already.
     */
    public function isFile(): bool
    {
        $known = in_array($this->status(), [200, 206, 304, 416], true);

        return $known && ($this->mime() !== 'text/html' || $this->response->hasHeader('Content-Disposition'));
    }

    public function title(): string
    {
        return rawurldecode($this->response->getHeaderLine('Portal-Title'));
    }

    /**
     * Whether the portal has kept what somebody sent who is no longer signed in.
     */
    public function hasKeptInput(): bool
    {
        return $this->response->getHeaderLine('Portal-Input-Kept') === '1';
    }

    public function retryAfter(): string
    {
        return $this->response->getHeaderLine('Retry-After');
    }

    /**
     * How far this server's clock is from the portal's, in seconds; null when the portal did not say.
     */
    public function clockSkew(int $now): ?int
    {
        $date = strtotime($this->response->getHeaderLine('Date'));

        return $date === false ? null : $now - $date;
    }

    /**
     * For the log, when this is nothing that can be shown: the likely cause.
     */
    public function whatIsWrong(PortalSettings $settings, int $now): string
    {
        if (!$this->isRefusal()) {
            return sprintf(
                '%s answered with %d and %s, which is no page of a portal: is %sportalUrl its address?',
                $settings->reachedAt(),
                $this->status(),
                $this->mime() === '' ? 'nothing' : $this->mime(),
                PortalSettings::PREFIX,
            );
        }
        $skew = $this->clockSkew($now);
        $clocks = $skew !== null && abs($skew) > 25 ? sprintf(' The clocks differ by %d s.', $skew) : '';

        return 'The portal refused the token; its log says why, request ' . $this->requestId() . '.' . $clocks;
    }

    public function requestId(): string
    {
        return $this->response->getHeaderLine('X-Request-ID');
    }

    /**
     * @return array<string, string>
     */
    public function headers(): array
    {
        $found = [];
        foreach (self::HANDED_ON as $name) {
            if ($this->response->hasHeader($name)) {
                $found[$name] = $this->response->getHeaderLine($name);
            }
        }

        return $found;
    }

    /**
     * @throws PortalUnreachable when it breaks off, has no end or takes too long
     */
    public function html(float $timeout): string
    {
        $until = microtime(true) + $timeout;
        $html = '';
        $body = $this->response->getBody();
        try {
            while (!$body->eof()) {
                $html .= $body->read(self::CHUNK);
                if (strlen($html) > self::FRAGMENT_MAX || microtime(true) > $until) {
                    throw new PortalUnreachable('The page has no end, or took longer than ' . $timeout . ' s', 1764140022);
                }
            }
        } catch (PortalUnreachable $over) {
            throw $over;
        } catch (\RuntimeException $broken) {
            throw new PortalUnreachable('The page broke off: ' . $broken->getMessage(), 1764140023);
        } finally {
            $body->close();
        }
        $length = $this->response->getHeaderLine('Content-Length');
        if ($length !== '' && strlen($html) < (int)$length) {
            throw new PortalUnreachable('The page broke off after ' . strlen($html) . ' of ' . $length . ' bytes', 1764140024);
        }

        return $html;
    }

    public function response(): ResponseInterface
    {
        return $this->response;
    }

    public function mime(): string
    {
        return strtolower(trim(explode(';', $this->response->getHeaderLine('Content-Type'))[0]));
    }
}
