<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Admin;

use Mieterportal\Typo3\Admin\AdminClient;
use Mieterportal\Typo3\Admin\Answer;
use Mieterportal\Typo3\Admin\NoAnswer;
use Mieterportal\Typo3\Admin\Trouble;
use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Session\SessionSigner;
use Mieterportal\Typo3\Tests\Support\FarSide;
use Mieterportal\Typo3\Tests\Support\Samples;
use PHPUnit\Framework\TestCase;

final class AdminClientTest extends TestCase
{
    /**
     * @param list<string> $keys
     */
    private function client(FarSide $far, array $keys = [Samples::KEY]): AdminClient
    {
        $signer = new SessionSigner('website', Samples::URL, new KeyRing($keys));

        return new AdminClient($far, Samples::settings(), $signer, new Claims('be_users:1', 'session'));
    }

    private function troubleOf(Answer $answer): NoAnswer
    {
        try {
            $this->client(new FarSide(['/status' => $answer]))->status();
        } catch (NoAnswer $none) {
            return $none;
        }
        self::fail('There was an answer');
    }

    public function testEachRequestCarriesATokenOfItsOwn(): void
    {
        $far = new FarSide(['/status' => Samples::json(['parked' => 1])]);
        $client = $this->client($far);
        $client->status();
        $client->status();
        $shown = array_column(array_column($far->asked, 'headers'), 'Authorization');
        self::assertCount(2, array_unique($shown));
        self::assertStringStartsWith('Portal website:', $shown[0]);
    }

    public function testThePreviousKeyIsTriedWhenTheNewestIsRefused(): void
    {
        $tries = 0;
        $far = new FarSide(['/status' => static function () use (&$tries): Answer {
            $tries++;

            return $tries === 1 ? Samples::json(['code' => 'token_refused'], 401) : Samples::json(['parked' => 3]);
        }]);
        self::assertSame(['parked' => 3], $this->client($far, [Samples::PREVIOUS, Samples::KEY])->status());
        self::assertSame(2, $tries);
    }

    public function testEveryKindOfAnswerHasItsOwnTrouble(): void
    {
        $html = ['content-type' => 'text/html'];
        foreach ([
            [new Answer(200, $html, '<h1>Welcome</h1>'), Trouble::Foreign],
            [new Answer(404, $html, '<h1>Not found</h1>'), Trouble::Foreign],
            [new Answer(401, $html), Trouble::Foreign],
            [new Answer(413, $html), Trouble::Foreign],
            [new Answer(301, ['location' => 'https://elsewhere']), Trouble::Redirect],
            [new Answer(502, $html), Trouble::Unavailable],
            [Samples::json(['code' => 'store_unavailable'], 503), Trouble::Unavailable],
            [Samples::json(['code' => 'token_refused'], 401), Trouble::Refused],
            [Samples::json(['code' => 'not_found'], 404), Trouble::NotFound],
            [Samples::json(['code' => 'method_not_allowed'], 405), Trouble::NotAllowed],
            [Samples::json(['code' => 'unknown_code', 'parameters' => ['schadensart']], 422), Trouble::Invalid],
            [new Answer(200, ['content-type' => 'application/json'], '{broken'), Trouble::Foreign],
        ] as [$answer, $trouble]) {
            self::assertSame($trouble, $this->troubleOf($answer)->trouble, $answer->status . ' ' . $answer->body);
        }
        self::assertSame('schadensart', $this->troubleOf(Samples::json(['code' => 'x', 'parameters' => ['schadensart']], 422))->detail);
    }

    public function testNoTokenIsInWhatGoesIntoTheLog(): void
    {
        $far = new FarSide(['/status' => Samples::json(['code' => 'token_refused'], 401)]);
        try {
            $this->client($far)->status();
            self::fail('There was an answer');
        } catch (NoAnswer $none) {
            $token = explode(':', $far->asked[0]['headers']['Authorization'], 2)[1];
            self::assertStringNotContainsString($token, $none->getMessage() . serialize($none->detail));
            self::assertStringNotContainsString(Samples::KEY, $none->getMessage());
        }
    }

    public function testEmptyFactsOfACaseAreLeftOutAndAnIdCannotLeaveItsPlace(): void
    {
        $far = new FarSide(['/api/' => Samples::json(['regel' => 'Nord'])]);
        $this->client($far)->routing(['typ' => 'KONTAKT', 'schadensort' => '', 'gebaeude' => 'G 1&x']);
        $this->client($far)->retry('../retry');
        self::assertStringEndsWith('/routing?typ=KONTAKT&gebaeude=G+1%26x', $far->asked[0]['url']);
        self::assertStringEndsWith('/vorgaenge/..%2Fretry/retry', $far->asked[1]['url']);
        self::assertSame('POST', $far->asked[1]['method']);
    }

    public function testANoticeIsSentAsJsonAndWhatIsMadeIsAnAnswer(): void
    {
        $far = new FarSide(['/aushaenge/a%2Fb' => Samples::json(['id' => 'a/b']), '/aushaenge' => Samples::json(['id' => 'new'], 201)]);
        self::assertSame(['id' => 'new'], $this->client($far)->putUp('', ['titel' => ['de' => "Hof \xff"]]));
        self::assertSame(['id' => 'a/b'], $this->client($far)->putUp('a/b', ['titel' => []]));
        self::assertSame(['POST', 'PUT'], array_column($far->asked, 'method'));
        self::assertSame(['{"titel":{"de":"Hof \ufffd"}}', '{"titel":[]}'], array_column($far->asked, 'body'));
        self::assertSame('application/json', $far->asked[0]['headers']['Content-Type']);
    }

    public function testWhatANoticeCannotHaveIsToldByItsFields(): void
    {
        $refused = $this->troubleOf(Samples::json(['code' => 'invalid_aushang', 'parameters' => ['titel', 7, 'bis']], 422));
        self::assertSame([Trouble::Aushang, ['titel', 'bis'], 'titel, bis'], [$refused->trouble, $refused->parameters, $refused->detail]);
    }
}
