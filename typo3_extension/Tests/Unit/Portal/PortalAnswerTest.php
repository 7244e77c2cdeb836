<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Portal;

use GuzzleHttp\Psr7\FnStream;
use GuzzleHttp\Psr7\Response;
use GuzzleHttp\Psr7\Utils;
use Mieterportal\Typo3\Portal\PortalAnswer;
use Mieterportal\Typo3\Portal\PortalUnreachable;
use PHPUnit\Framework\TestCase;

final class PortalAnswerTest extends TestCase
{
    private const PAGE = ['Content-Type' => 'text/html; charset=utf-8', 'Portal-Title' => 'Schaden%20melden%20%C3%BC'];

    /**
     * @return array<string, array{int, array<string, string>, string}>
     */
    public static function answers(): array
    {
        return [
            'a page' => [200, self::PAGE, 'fragment'],
            'a page that says there is none' => [404, self::PAGE, 'fragment'],
            'a form that could not be stored' => [503, self::PAGE, 'fragment'],
            'a page of somebody else' => [200, ['Content-Type' => 'text/html'], 'nothing'],
            'a fault of a proxy' => [502, ['Content-Type' => 'text/html'], 'nothing'],
            'a refused token' => [401, ['Content-Type' => 'application/problem+json', 'WWW-Authenticate' => 'Portal'], 'refusal'],
            'a password of somebody else' => [401, ['Content-Type' => 'text/plain', 'WWW-Authenticate' => 'Basic'], 'nothing'],
            'a web server that takes less' => [413, ['Content-Type' => 'text/html'], 'too large'],
            'a form that the portal finds too large' => [413, self::PAGE, 'fragment'],
            'a redirect' => [303, ['Location' => 'https://www.example.de/mieterportal/vorgaenge'], 'redirect'],
            'a file' => [200, ['Content-Type' => 'application/pdf', 'Content-Disposition' => 'attachment'], 'file'],
            'a page to be saved' => [200, self::PAGE + ['Content-Disposition' => 'attachment'], 'file'],
            'a part of a file' => [206, ['Content-Type' => 'video/mp4', 'Content-Range' => 'bytes 0-1/9'], 'file'],
            'a file that the browser has' => [304, [], 'file'],
            'a problem' => [500, ['Content-Type' => 'application/problem+json'], 'nothing'],
        ];
    }

    /**
     * @dataProvider answers
     * @param array<string, string> $headers
     */
    public function testTellsApart(int $status, array $headers, string $kind): void
    {
        $answer = new PortalAnswer(new Response($status, $headers));
        $kinds = [
            'refusal' => $answer->isRefusal(),
            'redirect' => $answer->isRedirect(),
            'fragment' => $answer->isFragment(),
            'file' => $answer->isFile(),
            'too large' => $answer->isTooLarge() && !$answer->isFragment(),
        ];
        self::assertSame($kind === 'nothing' ? [] : [$kind], array_keys(array_filter($kinds)));
    }

    public function testReadsThePageAndItsTitle(): void
    {
        $answer = new PortalAnswer(new Response(200, self::PAGE, '<p>Guten Tag</p>'));
        self::assertSame(['<p>Guten Tag</p>', 'Schaden melden ü'], [$answer->html(5), $answer->title()]);
    }

    public function testAPageThatBreaksOffIsNoPage(): void
    {
        $answer = new PortalAnswer(new Response(200, self::PAGE + ['Content-Length' => '100'], '<p>Guten'));
        $this->expectException(PortalUnreachable::class);
        $answer->html(5);
    }

    public function testAPageWithoutEndIsNoPage(): void
    {
        $endless = Utils::streamFor((static function (): \Generator {
            while (true) {
                yield str_repeat('x', 65536);
            }
        })());
        $this->expectException(PortalUnreachable::class);
        (new PortalAnswer(new Response(200, self::PAGE, $endless)))->html(60);
    }

    public function testAPageThatDripsIsNotWaitedFor(): void
    {
        $slow = FnStream::decorate(Utils::streamFor(''), [
            'eof' => static fn(): bool => false,
            'read' => static function (): string {
                usleep(20000);

                return 'x';
            },
        ]);
        $begun = microtime(true);
        try {
            (new PortalAnswer(new Response(200, self::PAGE, $slow)))->html(0.1);
            self::fail('it was waited for');
        } catch (PortalUnreachable) {
            self::assertLessThan(30, microtime(true) - $begun);
        }
    }

    public function testHandsOnWhatConcernsTheBrowserAndNothingElse(): void
    {
        $answer = new PortalAnswer(new Response(200, [
            'Content-Type' => 'application/pdf',
            'Content-Disposition' => 'attachment; filename="a.pdf"',
            'Content-Security-Policy' => 'sandbox',
            'Set-Cookie' => 'a=b',
            'Server' => 'gunicorn',
            'Strict-Transport-Security' => 'max-age=1',
        ]));
        self::assertSame(['Content-Type', 'Content-Disposition', 'Content-Security-Policy'], array_keys($answer->headers()));
    }

    public function testTellsHowFarTheClocksDiffer(): void
    {
        $answer = new PortalAnswer(new Response(401, ['Date' => 'Thu, 26 Nov 2026 07:00:00 GMT']));
        self::assertSame(300, $answer->clockSkew((int)strtotime('2026-11-26 07:05:00 GMT')));
        self::assertNull((new PortalAnswer(new Response(401)))->clockSkew(0));
    }
}
