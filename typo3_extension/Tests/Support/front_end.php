<?php

declare(strict_types=1);

/**
 * The portal's client of the front end, without TYPO3: takes a case as JSON, answers with JSON. Guzzle stands where
 * TYPO3's RequestFactory stands, which is Guzzle too.
 */

use GuzzleHttp\Client;
use GuzzleHttp\Psr7\ServerRequest;
use GuzzleHttp\Psr7\UploadedFile;
use Mieterportal\Typo3\Portal\FormBody;
use Mieterportal\Typo3\Portal\PortalClient;
use Mieterportal\Typo3\Portal\PortalRequest;
use Mieterportal\Typo3\Portal\PortalUnreachable;
use Mieterportal\Typo3\Portal\Transport;
use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Session\SessionSigner;
use Mieterportal\Typo3\Session\Token;
use Mieterportal\Typo3\Settings\PortalSettings;

require __DIR__ . '/../bootstrap.php';

$case = json_decode((string)stream_get_contents(STDIN), true, 32, JSON_THROW_ON_ERROR);

if ($case['do'] === 'sign') {
    $sign = static fn(array $one): string => Token::sign($one['claims'], $one['secret'], $one['issued']);
    echo json_encode(array_map($sign, $case['cases']), JSON_THROW_ON_ERROR);
    return;
}

$requests = 0;
$guzzle = new Client();
$transport = new Transport(static function (string $url, string $method, array $options) use ($guzzle, &$requests) {
    $requests++;

    return $guzzle->request($method, $url, $options);
});
$settings = new PortalSettings($case['url'], 'website', timeout: $case['timeout'] ?? 5.0);
$clock = static fn(): int => $case['signed'] ?? time();
$signer = new SessionSigner('website', $case['audience'] ?? $case['url'], new KeyRing($case['keys']), $clock);
$client = new PortalClient($transport, $settings, $signer);
$claims = new Claims($case['sub'] ?? 'fe_users:1', $case['sid'] ?? 'sid', $case['person'] ?? '', 'Zoë Müller');

$form = static function (array $case): ?FormBody {
    if (isset($case['body'])) {
        $type = ['Content-Type' => 'application/x-www-form-urlencoded'];

        return FormBody::of(new ServerRequest('POST', 'https://www.example.de/', $type, $case['body']));
    }
    if (!isset($case['fields'])) {
        return null;
    }
    $files = [];
    foreach ($case['files'] ?? [] as [$path, $name, $type]) {
        $files['anhaenge'][] = new UploadedFile($path, (int)filesize($path), UPLOAD_ERR_OK, $name, $type);
    }
    $request = new ServerRequest('POST', 'https://www.example.de/', ['Content-Type' => 'multipart/form-data; boundary=x']);

    return FormBody::of($request->withParsedBody($case['fields'])->withUploadedFiles($files));
};

$begun = microtime(true);
try {
    if ($case['do'] === 'signOut') {
        $client->signOut($claims);
        echo json_encode(['done' => true]);
        return;
    }
    $body = $form($case);
    $headers = ($case['headers'] ?? []) + ($body === null ? [] : ['Content-Type' => $body->contentType]);
    $asked = new PortalRequest($case['method'] ?? 'GET', $case['path'], $case['query'] ?? '', $case['base'], $headers, $body?->stream);
    $answer = $case['do'] === 'unsigned' ? $client->askUnsigned($asked) : $client->ask($asked, $claims);
    $told = [
        'status' => $answer->status(),
        'fragment' => $answer->isFragment(),
        'refusal' => $answer->isRefusal(),
        'tooLarge' => $answer->isTooLarge(),
        'skew' => $answer->clockSkew($clock()),
        'kept' => $answer->hasKeptInput(),
        'title' => $answer->title(),
        'headers' => $answer->headers(),
    ];
    if ($answer->isFragment()) {
        $told['html'] = $answer->html($settings->timeout);
    } else {
        $digest = hash_init('sha256');
        $bytes = 0;
        for ($stream = $answer->response()->getBody(); !$stream->eof();) {
            $piece = $stream->read(65536);
            $bytes += strlen($piece);
            hash_update($digest, $piece);
        }
        $told += ['sha256' => hash_final($digest), 'bytes' => $bytes];
    }
} catch (PortalUnreachable $failed) {
    $told = ['unreachable' => $failed->getMessage()];
}
$told += ['requests' => $requests, 'seconds' => microtime(true) - $begun, 'memory' => memory_get_peak_usage(true)];
echo json_encode($told, JSON_THROW_ON_ERROR);
