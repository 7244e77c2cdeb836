<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Portal;

use GuzzleHttp\Psr7\ServerRequest;
use GuzzleHttp\Psr7\UploadedFile;
use GuzzleHttp\Psr7\Utils;
use Mieterportal\Typo3\Portal\FormBody;
use Mieterportal\Typo3\Portal\FormTooLarge;
use PHPUnit\Framework\TestCase;

final class FormBodyTest extends TestCase
{
    private const MULTIPART = ['Content-Type' => 'multipart/form-data; boundary=x', 'Content-Length' => '1000'];

    /**
     * @param array<string, string> $headers
     */
    private static function request(array $headers = self::MULTIPART, string $body = ''): ServerRequest
    {
        return new ServerRequest('POST', 'https://www.example.de/mieterportal/melden/schaden', $headers, $body);
    }

    private static function file(string $content, string $name = 'foto.jpg', string $type = 'image/jpeg'): UploadedFile
    {
        return new UploadedFile(Utils::streamFor($content), strlen($content), UPLOAD_ERR_OK, $name, $type);
    }

    /**
     * @return list<array{string, string}> head and content of each part
     */
    private static function parts(FormBody $body): array
    {
        $boundary = '--' . explode('boundary=', $body->contentType)[1];
        $parts = [];
        foreach (array_slice(explode($boundary . "\r\n", strstr((string)$body->stream, $boundary . '--', true) ?: ''), 1) as $part) {
            [$head, $content] = explode("\r\n\r\n", $part, 2);
            $parts[] = [$head, substr($content, 0, -2)];
        }

        return $parts;
    }

    public function testAFormWithoutFilesGoesOnAsItCame(): void
    {
        $body = FormBody::of(self::request(['Content-Type' => 'application/x-www-form-urlencoded'], 'a.b=1&a.b=2'));
        self::assertSame(['a.b=1&a.b=2', 'application/x-www-form-urlencoded'], [(string)$body->stream, $body->contentType]);
    }

    public function testFieldsAndFilesArePutTogetherAgain(): void
    {
        $request = self::request()
            ->withParsedBody(['beschreibung' => "Zeile 1\r\nZeile 2 ü", 'leer' => ''])
            ->withUploadedFiles(['anhaenge' => [self::file('eins'), self::file('zwei', 'zwei.pdf', 'application/pdf')]]);
        $parts = self::parts(FormBody::of($request));
        self::assertSame(["Zeile 1\r\nZeile 2 ü", '', 'eins', 'zwei'], array_column($parts, 1));
        self::assertStringContainsString('name="beschreibung"', $parts[0][0]);
        self::assertStringContainsString('name="anhaenge"; filename="foto.jpg"', $parts[2][0]);
        self::assertStringContainsString('name="anhaenge"; filename="zwei.pdf"', $parts[3][0]);
        self::assertStringContainsString('Content-Type: application/pdf', $parts[3][0]);
    }

    public function testANameCannotAddAHeader(): void
    {
        $evil = self::file('x', "a\"; name=\"csrf_token\"\r\nX-Evil: 1\r\n\r\n.jpg", "text/html\r\nX-Evil: 2");
        [[$head]] = self::parts(FormBody::of(self::request()->withUploadedFiles(['anhaenge' => $evil])));
        self::assertSame(3, count(explode("\r\n", $head)), $head);
        self::assertStringContainsString('Content-Type: application/octet-stream', $head);
        self::assertStringContainsString('filename="a%22; name=%22csrf_token%22%0D%0AX-Evil: 1%0D%0A%0D%0A.jpg"', $head);
    }

    public function testAListIsSeveralFieldsOfOneName(): void
    {
        $parts = self::parts(FormBody::of(self::request()->withParsedBody(['wahl' => ['a', 'b'], 'tief' => ['x' => '1']])));
        self::assertStringContainsString('name="wahl"', $parts[0][0]);
        self::assertStringContainsString('name="wahl"', $parts[1][0]);
        self::assertStringContainsString('name="tief[x]"', $parts[2][0]);
    }

    public function testAFileThatPhpRefusedBringsTheFormBackInsteadOfFilingIt(): void
    {
        $received = ['anhaenge' => ['name' => ['gross.mp4', 'gut.jpg', ''], 'error' => [UPLOAD_ERR_INI_SIZE, UPLOAD_ERR_OK, UPLOAD_ERR_NO_FILE]]];
        $request = self::request()->withParsedBody(['aktion' => 'absenden'])->withUploadedFiles(['anhaenge' => [1 => self::file('gut', 'gut.jpg')]]);
        $body = FormBody::of($request, $received);
        self::assertSame(['gross.mp4'], $body->tooLarge);
        self::assertSame(['hochladen', 'gut'], array_column(self::parts($body), 1));
    }

    public function testAFormThatPhpThrewAwayIsTold(): void
    {
        $this->expectException(FormTooLarge::class);
        $this->expectExceptionMessage('post_max_size');
        FormBody::of(self::request(['Content-Length' => '200000000'] + self::MULTIPART));
    }
}
